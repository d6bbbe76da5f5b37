import { defineConfig } from 'vite'

/** The hub answers to pages of its own origin only: to it, this proxy looks like one. */
const target = process.env.HUB_ORIGIN ?? 'http://localhost:4000'

export default defineConfig({
  server: {
    proxy: { '/graphql': { target, ws: true, changeOrigin: true, headers: { origin: target } } },
  },
})
