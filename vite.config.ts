import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** The console: src/console → dist/console, which the hub serves (src/http/console.ts). */
export default defineConfig({
  root: 'src/console',
  base: '/console/',
  plugins: [react()],
  // The hub puts a new nonce in its place with each answer: CodeMirror adds its styles while it runs.
  html: { cspNonce: '{{nonce}}' },
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // A file written into a page as a data: address would be refused by the content security policy.
    assetsInlineLimit: 0,
    // Pages are read ahead. A style that failed then would not be asked for again, and its page stand there without it.
    cssCodeSplit: false,
    chunkSizeWarningLimit: 900,
  },
  logLevel: 'warn',
  // `npx vite` beside a hub, for work on the console itself.
  server: {
    proxy: {
      '/graphql': {
        target: process.env.HUB ?? 'http://localhost:4000',
        ws: true,
        changeOrigin: true,
        // The hub answers to pages of its own origin only.
        configure: (proxy) => {
          proxy.on('proxyReq', (request) => request.removeHeader('origin'))
          proxy.on('proxyReqWs', (request) => request.removeHeader('origin'))
        },
      },
    },
  },
})
