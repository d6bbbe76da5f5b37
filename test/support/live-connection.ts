import type { Page, WebSocketRoute } from 'playwright-core'

/** The live connection of a page of the console, which can be cut. Requests over HTTP get through. */
export async function routeConnection(page: Page): Promise<{ cut(): Promise<void>; restore(): void }> {
  let isCut = false
  const open = new Set<WebSocketRoute>()
  await page.routeWebSocket(/\/graphql$/, (socket) => {
    if (isCut) return void socket.close({ code: 1012 })
    socket.connectToServer()
    open.add(socket)
  })
  return {
    async cut() {
      isCut = true
      await Promise.all([...open].map((socket) => socket.close({ code: 1012 })))
      open.clear()
    },
    restore() {
      isCut = false
    },
  }
}
