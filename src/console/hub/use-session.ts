import { createContext, use } from 'react'
import type { Renewal } from './renewal.ts'
import type { Socket } from './socket.ts'

/** What pages may know of the session. */
export type Session = {
  readonly socket: Socket
  /** Sends requests to the hub that are not GraphQL. */
  readonly request: typeof fetch
  readonly renewal: Renewal['state']
  /** Undefined where the hub asks for no token. */
  readonly signOut: (() => void) | undefined
  /** Leads to the provider, and back to the present page. Undefined unless a person has signed in. */
  readonly signInAgain: (() => void) | undefined
}

export const SessionContext = createContext<Session | undefined>(undefined)

/** The session around this component. */
export function useSession(): Session {
  const session = use(SessionContext)
  if (session === undefined) throw new Error('useSession needs a SessionGate around the component.')
  return session
}
