import { defineConfig } from "vitest/config";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));

// The pages find built files through dist/.vite/manifest.json (backend/web/pages.py), served under /static/dist/.
export default defineConfig({
  root,
  base: "/static/dist/",
  publicDir: false,
  build: {
    outDir: "../static/dist",
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
    // The content security policy allows files of our own address, not data: URLs for fonts and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ["src/site/main.ts", "src/exam/main.ts", "src/monitor/main.ts", "src/mailing/main.ts"],
    },
  },
  css: { preprocessorOptions: { scss: { quietDeps: true, loadPaths: [`${root}/node_modules`] } } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
