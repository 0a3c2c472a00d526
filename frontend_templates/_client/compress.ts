import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Plugin } from "vite";

const TEXT = /\.(js|css|svg|json)$/;
const SMALLEST_BYTES = 1024;

/** Writes `.br` and `.gz` beside each built text file: the server sends them as they are (backend/web/static_files.py). */
export function compressed(): Plugin {
  let folder = "";
  return {
    name: "viva-compressed",
    apply: "build",
    configResolved: (config) => {
      folder = join(config.root, config.build.outDir, "assets");
    },
    closeBundle: async () => {
      const names = (await readdir(folder)).filter((name) => TEXT.test(name));
      await Promise.all(names.map((name) => compressOne(join(folder, name))));
    },
  };
}

async function compressOne(path: string): Promise<void> {
  const data = await readFile(path);
  if (data.length < SMALLEST_BYTES) return;
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
  await writeFile(`${path}.br`, await promisify(brotliCompress)(data, quality));
  await writeFile(`${path}.gz`, await promisify(gzip)(data, { level: 9 }));
}
