import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocketServer } from 'ws'
import { addressOf } from './limits/request-address.ts'
import type { LogRefusal, Refusal } from './log/refused-clients.ts'
import { recordOf } from './log/request-record.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'

/**
 * Refuses requests for a WebSocket whose headers are not valid, such as those of another version, as ws would, and logs
 * and counts them.
 */
export function refuseMalformedUpgrades(
  server: WebSocketServer,
  protocol: Refusal['protocol'],
  logRefusal: LogRefusal,
): void {
  server.on('wsClientError', ({ message }: Error, connection: Duplex, request: IncomingMessage) => {
    const requestId = recordOf(request).id
    logRefusal({ protocol, cause: 'protocol', reason: message, address: addressOf(request), requestId })
    const isOtherVersion = request.headers['sec-websocket-version'] !== '13'
    refuseUpgrade(request, connection, {
      status: '400 Bad Request',
      message,
      headers: isOtherVersion ? { 'Sec-WebSocket-Version': '13' } : {},
    })
  })
}
