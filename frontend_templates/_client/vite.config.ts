import { defineConfig } from "vitest/config";
import { fileURLToPath } from "node:url";
import { compressed } from "./compress";

const root = fileURLToPath(new URL(".", import.meta.url));

// The pages find built files through dist/.vite/manifest.json (backend/web/pages.py), served under /static/dist/.
export default defineConfig({
  root,
  base: "/static/dist/",
  publicDir: false,
  plugins: [compressed()],
  build: {
    outDir: "../static/dist",
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
    // The content security policy allows files of our own address, not data: URLs for fonts and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The largest is the API's page, which candidates never load.
    chunkSizeWarningLimit: 1600,
    rolldownOptions: {
      // The worker is served as /sit/worker.js (attempts/views.py): it must stand alone.
      input: [...["site", "exam", "monitor", "mailing", "docs"].map((entry) => `src/${entry}/main.ts`), "src/exam/worker.ts"],
    },
  },
  css: { preprocessorOptions: { scss: { quietDeps: true, loadPaths: [`${root}/node_modules`] } } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
