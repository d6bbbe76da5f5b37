import { defineConfig } from 'vite'

/** The page has an origin of its own. HUB_ORIGIN is that of the hub, whose ALLOWED_ORIGINS must name the page's. */
export default defineConfig({
  envPrefix: ['HUB_ORIGIN', 'OIDC_'],
  // The files of ../clients are those of this program too.
  server: { port: 5173, strictPort: true, fs: { allow: ['..'] } },
})
