// A zip of files, stored: what a dropped folder becomes. Format: PKWARE's APPNOTE.TXT, 4.3.

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

// Each field is [value, bytes], little-endian.
function packed(...fields) {
  const bytes = new Uint8Array(fields.reduce((sum, [, size]) => sum + size, 0));
  let at = 0;
  for (const [value, size] of fields)
    for (let n = 0; n < size; n++) bytes[at++] = (value / 2 ** (8 * n)) & 0xff;
  return bytes;
}

const UTF8 = 0x0800;
const DATE = 0x21; // 1 January 1980: what a folder says of times is of no use here

// files: [{path, file}]; returns a Blob.
export async function zipped(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { path, file } of files) {
    const body = new Uint8Array(await file.arrayBuffer());
    const name = new TextEncoder().encode(path);
    const about = [
      [20, 2], [UTF8, 2], [0, 2], [0, 2], [DATE, 2], [crc32(body), 4],
      [body.length, 4], [body.length, 4], [name.length, 2], [0, 2],
    ];
    const head = packed([0x04034b50, 4], ...about);
    parts.push(head, name, body);
    directory.push(
      packed([0x02014b50, 4], [20, 2], ...about, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), name);
    offset += head.length + name.length + body.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = [[files.length, 2], [files.length, 2]];
  const end = packed([0x06054b50, 4], [0, 2], [0, 2], ...count, [size, 4], [offset, 4], [0, 2]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

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
