import { defineConfig } from 'vite';

export default defineConfig({
  base: './', // works under any prefix
  publicDir: false,
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
