/** ALLOWED_ORIGINS for a hub whose console is served by Vite, at an origin of its own. */
export function withOrigin(allowedOrigins: string | undefined, origin: string): string {
  const given = (allowedOrigins ?? '').split(',').filter((text) => text.trim() !== '')
  return given.some((text) => text.trim() === '*') ? given.join() : [...given, origin].join()
}
