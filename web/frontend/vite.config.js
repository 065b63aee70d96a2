import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

const WAYS = { '.br': brotliCompressSync, '.gz': gzipSync };

/** Compress each text beside itself, once and well: web/assets.py sends what the browser takes. */
const compressed = () => ({
  name: 'compressed',
  writeBundle({ dir }) {
    const files = readdirSync(dir, { recursive: true }).filter((file) => /\.(css|js|svg)$/.test(file));
    for (const file of files) {
      const content = readFileSync(join(dir, file));
      for (const [ending, compress] of Object.entries(WAYS)) writeFileSync(join(dir, file) + ending, compress(content));
    }
  },
});

export default defineConfig({
  base: './', // works under any prefix
  publicDir: false,
  plugins: [compressed()],
  build: {
    outDir: '../static/dist',
    emptyOutDir: true,
    manifest: 'manifest.json', // read by web/assets.py
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000, // the budgets are held by tests/unit/test_assets.py
    rolldownOptions: { input: { app: 'src/app.js', theme: 'src/theme.js' } },
  },
});
