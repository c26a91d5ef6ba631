// What was dropped: [{path, file}] of all files below an entry of the browser's file system.
export async function below(entry, path = "") {
  const here = path ? `${path}/${entry.name}` : entry.name;
  if (entry.isFile) {
    const file = await new Promise((took, failed) => entry.file(took, failed));
    return [{ path: here, file }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) { // it hands out a hundred at a time
    const some = await new Promise((took, failed) => reader.readEntries(took, failed));
    if (!some.length) return found;
    for (const each of some) found.push(...(await below(each, here)));
  }
}
