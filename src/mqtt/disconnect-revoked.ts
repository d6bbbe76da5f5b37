import type { Policy } from '../access/policy.ts'
import { followPolicies } from '../access/policy-changes-commands.ts'
import { rightsOfPolicy } from '../access/rights.ts'
import { expiryToleranceInSeconds, parseSasToken, verifySasSignature } from '../access/sas.ts'
import type { Deps } from '../deps.ts'
import { authenticateDevice } from '../device/authentication-commands.ts'
import type { Connection, Connections } from './connection.ts'

/**
 * Milliseconds between two checks for expired tokens and certificates. One check covers all connections: a timer per
 * connection would be 20,000 timers.
 */
const sweepInterval = 10_000
/** Connections whose tokens are checked in one turn of the event loop, by two digests each. */
const perTurn = 100

/**
 * Ends connections that lost their authorization: the device was disabled, deleted or given other keys, its token or
 * certificate has expired, or the policy that signed its token was given other keys.
 */
export function disconnectRevoked(
  deps: Pick<Deps, 'db' | 'clock' | 'log' | 'events'>,
  { hostNames, connections }: { readonly hostNames: readonly string[]; readonly connections: Connections },
) {
  const closing = new AbortController()

  const recheck = async (connection: Connection): Promise<void> => {
    connection.outdated = false
    try {
      const { deviceId, password, certificate } = connection
      const credential = await authenticateDevice(deps, { deviceId, password, certificate, hostNames })
      if (!('refusal' in credential)) {
        connection.identity = credential.identity
        return
      }
      deps.log.info(
        { deviceId, reason: credential.refusal },
        'device connection closed: its credentials are no longer valid',
      )
    } catch (error) {
      // Better to make a device reconnect than to keep an unauthorized one.
      deps.log.warn({ err: error, deviceId: connection.deviceId }, 'device could not be re-authenticated')
    }
    connections.end(connection)
  }

  /** All policies are read once, and not for each connection: a gateway may have thousands that a policy admitted. */
  const comparePolicies = async (policies: readonly Policy[]): Promise<void> => {
    for (const connection of connections.undecided()) connection.outdated = true
    let count = 0
    for (const connection of [...connections.all()]) {
      if (closing.signal.aborted) return
      if (++count % perTurn === 0) await deps.clock.giveWay()
      if (connection.ended || isAccepted(connection.password, policies)) continue
      const { deviceId } = connection
      deps.log.info({ deviceId }, 'device connection closed: the key of the policy that admitted it has been replaced')
      connections.end(connection)
    }
  }

  const stopListening = [
    followPolicies(deps, (policies) => void comparePolicies(policies)),
    deps.events.listen('identity')(({ deviceId }) => {
      const connection = connections.find(deviceId)
      if (connection !== undefined) void recheck(connection)
      for (const undecided of connections.undecided()) {
        if (undecided.deviceId === deviceId) undecided.outdated = true
      }
    }),
    // Events may have been lost, so any identity may have changed; those of open connections are checked together.
    deps.events.listen('missed')(() => {
      for (const undecided of connections.undecided()) undecided.outdated = true
    }),
  ]
  const sweep = async (): Promise<void> => {
    for (;;) {
      await deps.clock.sleep(sweepInterval, closing.signal)
      if (closing.signal.aborted) return
      const oldest = deps.clock.now().getTime() / 1000 - expiryToleranceInSeconds
      for (const connection of connections.all()) {
        if (connection.expiry < oldest) connections.end(connection)
      }
    }
  }
  const ended = sweep()

  return {
    /** Checks again whether the device of a connection is still authorized. */
    recheck,
    /** Must be called when a connection opens: its identity may have changed since it was read. */
    opened(connection: Connection): void {
      if (connection.outdated) void recheck(connection)
    },
    async close(): Promise<void> {
      closing.abort()
      for (const stop of stopListening) stop()
      await ended
    },
  }
}

/** Whether a token that was accepted is so under these policies. One without a policy does not depend on them. */
function isAccepted(password: string, policies: readonly Policy[]): boolean {
  const token = parseSasToken(password)
  if (token?.policyName === undefined) return true
  const policy = policies.find(({ name }) => name === token.policyName)
  if (policy === undefined || !rightsOfPolicy(policy.rights).has('connectDevices')) return false
  return verifySasSignature(token, [policy.primaryKey, policy.secondaryKey])
}
