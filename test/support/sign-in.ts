/**
 * Opens an address as a browser does, with cookies, and follows it from page to page of a provider whose accounts sign
 * in at once. Resolves when a page answers that leads no further.
 */
export async function openAddress(address: string): Promise<void> {
  const cookies = new Map<string, string>()
  let next: string | undefined = address
  while (next !== undefined) {
    const response: Response = await fetch(next, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      cookies.set(name, value)
    }
    await response.text()
    if (response.status >= 400) throw new Error(`${next} answered ${response.status}.`)
    const location = response.headers.get('location')
    next = location === null ? undefined : new URL(location, next).href
  }
}
