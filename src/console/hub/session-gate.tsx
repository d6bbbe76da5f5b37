import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useState } from 'react'
import { Provider } from 'urql'
import { ErrorState, LoadingState } from '../ui/states.tsx'
import { createQueryClient, isUnauthorized } from './client.ts'
import { ProbeDocument } from './documents.ts'
import { SignIn } from './sign-in.tsx'
import { openSocket, type Socket } from './socket.ts'
import { keepToken, keptToken } from './token.ts'
import { hasExpired } from './token-text.ts'

type State =
  | { readonly is: 'asking'; readonly token: string | undefined }
  | { readonly is: 'in'; readonly token: string | undefined }
  | { readonly is: 'out'; readonly why: 'needed' | 'refused' | 'old' | 'expired' }
  | { readonly is: 'unreachable'; readonly token: string | undefined; readonly message: string }

/** What pages may know of the session. */
type Session = { readonly socket: Socket; readonly signOut: (() => void) | undefined }

const SessionContext = createContext<Session | undefined>(undefined)

/** The session around this component. `signOut` is undefined where the hub asks for no token. */
export function useSession(): Session {
  const session = use(SessionContext)
  if (session === undefined) throw new Error('useSession needs a SessionGate around the component.')
  return session
}

/**
 * Shows its children once the hub accepts the token, and a sign-in page until then. The address does not change, so signing
 * in again leads back to the same page.
 */
export function SessionGate({ children }: { readonly children: ReactNode }) {
  const [state, setState] = useState<State>(() => ({ is: 'asking', token: keptToken() }))
  const asking = state.is === 'asking'
  const token = state.is === 'out' ? undefined : state.token

  useEffect(() => {
    if (!asking) return
    let current = true
    const client = createQueryClient(token, () => {})
    void client
      .query(ProbeDocument, {}, { requestPolicy: 'network-only' })
      .toPromise()
      .then(({ error }) => {
        if (!current) return
        if (isUnauthorized(error)) {
          keepToken(undefined)
          setState({ is: 'out', why: reasonOf(token) })
        } else if (error !== undefined) setState({ is: 'unreachable', token, message: messageOf(error) })
        else {
          keepToken(token)
          setState({ is: 'in', token })
        }
      })
    return () => {
      current = false
    }
  }, [asking, token])

  const onRefused = useCallback(() => {
    keepToken(undefined)
    setState({ is: 'out', why: 'expired' })
  }, [])

  switch (state.is) {
    case 'asking':
      return <LoadingState label="Connecting to the hub" />
    case 'unreachable':
      return (
        <ErrorState
          title="Cannot reach the hub"
          message={state.message}
          onRetry={() => setState({ is: 'asking', token: state.token })}
        />
      )
    case 'out':
      return <SignIn why={state.why} onToken={(given) => setState({ is: 'asking', token: given })} />
    case 'in':
      return (
        <SignedIn
          token={state.token}
          onRefused={onRefused}
          onSignOut={() => {
            keepToken(undefined)
            setState({ is: 'out', why: 'needed' })
          }}
        >
          {children}
        </SignedIn>
      )
  }
}

function SignedIn({
  token,
  onRefused,
  onSignOut,
  children,
}: {
  readonly token: string | undefined
  readonly onRefused: () => void
  readonly onSignOut: () => void
  readonly children: ReactNode
}) {
  const client = useMemo(() => createQueryClient(token, onRefused), [token, onRefused])
  const [socket, setSocket] = useState<Socket>()
  useEffect(() => {
    const opened = openSocket(token, onRefused)
    setSocket(opened)
    return () => {
      void opened.dispose()
    }
  }, [token, onRefused])
  if (socket === undefined) return null
  return (
    <Provider value={client}>
      <SessionContext value={{ socket, signOut: token === undefined ? undefined : onSignOut }}>
        {children}
      </SessionContext>
    </Provider>
  )
}

/** Why the hub does not accept this token. */
function reasonOf(token: string | undefined): 'needed' | 'refused' | 'old' {
  if (token === undefined) return 'needed'
  return hasExpired(token, Date.now()) ? 'old' : 'refused'
}

function messageOf(error: {
  networkError?: Error | undefined
  graphQLErrors: readonly Error[]
  message: string
}): string {
  const [first] = error.graphQLErrors
  if (first !== undefined) return first.message
  return error.networkError === undefined
    ? error.message
    : 'No answer from this address. Check that the hub is running and reachable, then try again.'
}
