/** The variables that vite.config.ts hands to the page. */
interface ImportMetaEnv {
  readonly HUB_ORIGIN?: string
  readonly OIDC_ISSUER?: string
  readonly OIDC_CLIENT_ID?: string
  readonly OIDC_AUDIENCE?: string
}
