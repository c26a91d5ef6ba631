// All files below a dropped entry of the browser's file system, as [{path, file}].
export async function below(entry, path = "") {
  const here = path ? `${path}/${entry.name}` : entry.name;
  if (entry.isFile) {
    const file = await new Promise((took, failed) => entry.file(took, failed));
    return [{ path: here, file }];
  }
  const reader = entry.createReader();
  const files = [];
  for (;;) { // the browser returns at most a hundred entries at a time
    const batch = await new Promise((took, failed) => reader.readEntries(took, failed));
    if (!batch.length) return files;
    for (const child of batch) files.push(...(await below(child, here)));
  }
}
