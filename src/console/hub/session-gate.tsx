import { type ReactNode, useCallback, useEffect, useState } from 'react'
import { useLocation, useNavigate } from 'react-router'
import { type Client, Provider } from 'urql'
import { ErrorState, LoadingState } from '../ui/states.tsx'
import {
  type Access,
  type Answer,
  addressOf,
  askHub,
  finishAtReturn,
  isWaiting,
  openAccess,
  returnPath,
} from './access.ts'
import { authorizedFetch, createQueryClient } from './client.ts'
import { ViewerDocument } from './documents.ts'
import { NothingAllowed } from './nothing-allowed.tsx'
import { beginSignIn, signOutAddress } from './open-id.ts'
import { keepPending } from './pending-sign-in.ts'
import { ProviderWait } from './provider-wait.tsx'
import { SignIn } from './sign-in.tsx'
import { openSocket, type Socket } from './socket.ts'
import { type Session, SessionContext } from './use-session.ts'
import { ViewerContext } from './use-viewer.ts'
import { maySee, type Viewer } from './viewer.ts'

type State = Answer | { readonly is: 'finishing' } | { readonly is: 'asking' } | { readonly is: 'leaving' }

/**
 * Shows its children once the hub accepts the credential, and a sign-in page until then. Signing in leads back to the
 * same page.
 */
export function SessionGate({ children }: { readonly children: ReactNode }) {
  const [access] = useState(openAccess)
  const { settings, credential } = access
  const { pathname, search, hash } = useLocation()
  const navigate = useNavigate()
  const [state, setState] = useState<State>({ is: pathname === returnPath ? 'finishing' : 'asking' })

  const [pastes, setPastes] = useState(false)
  const finishing = state.is === 'finishing'
  useEffect(() => {
    if (!finishing) return
    void finishAtReturn(access).then(async ({ answer, to }) => {
      // The address with the code must not be opened again, not even by going back.
      await navigate(to, { replace: true })
      setState(answer)
    })
  }, [finishing, access, navigate])

  const asking = state.is === 'asking'
  useEffect(() => {
    if (!asking) return
    let current = true
    void askHub(access).then((answer) => {
      if (current) setState(answer)
    })
    return () => {
      current = false
    }
  }, [asking, access])

  const waiting = state.is === 'waiting'
  useEffect(() => {
    if (!waiting) return
    const { renewal } = access
    const look = (): void => {
      if (!isWaiting(renewal)) setState({ is: 'asking' })
    }
    look()
    return renewal.state.subscribe(look)
  }, [waiting, access])

  useEffect(() => {
    // Back from the provider to a page that the browser has kept as it was.
    const onShow = ({ persisted }: PageTransitionEvent): void => {
      if (persisted) setState({ is: 'asking' })
    }
    addEventListener('pageshow', onShow)
    return () => removeEventListener('pageshow', onShow)
  }, [])

  const onRefused = useCallback(() => {
    // Somebody who has signed in stays on the page, which offers to sign in again.
    if (credential.get()?.renewal !== undefined) return
    credential.replace(undefined)
    setState((now) =>
      now.is === 'leaving'
        ? now
        : { is: 'out', problem: 'Your token has expired. Paste a new one to continue where you left off.' },
    )
  }, [credential])
  const onViewer = useCallback(
    (viewer: Viewer) => setState((now) => (now.is === 'in' ? { is: 'in', viewer } : now)),
    [],
  )

  const signIn = (): void => {
    if (settings === undefined) return
    void beginSignIn(settings, addressOf(returnPath), `${pathname}${search}${hash}`).then(({ address, pending }) => {
      keepPending(pending)
      location.assign(address)
    })
  }
  const signOut = (): void => {
    const isPerson = credential.get()?.renewal !== undefined
    const address = isPerson && settings !== undefined ? signOutAddress(settings, addressOf('/')) : undefined
    setState(address === undefined ? { is: 'out', problem: undefined } : { is: 'leaving' })
    credential.replace(undefined)
    if (address !== undefined) location.assign(address)
  }

  switch (state.is) {
    case 'finishing':
      return <LoadingState label="Signing in" />
    case 'asking':
      return <LoadingState label="Connecting to the hub" />
    case 'leaving':
      return <LoadingState label="Signing out" />
    case 'unreachable':
      return (
        <ErrorState title="Cannot reach the hub" message={state.message} onRetry={() => setState({ is: 'asking' })} />
      )
    case 'waiting':
      return <ProviderWait settings={settings} onSignOut={signOut} />
    case 'out':
      return (
        <SignIn
          settings={settings}
          problem={state.problem}
          pastes={pastes}
          onPastes={(next) => {
            setPastes(next)
            setState({ is: 'out', problem: undefined })
          }}
          onSignIn={signIn}
          onToken={(authorization) => {
            credential.replace({ authorization })
            setState({ is: 'asking' })
          }}
        />
      )
    case 'in':
      return (
        <SignedIn
          access={access}
          viewer={state.viewer}
          onViewer={onViewer}
          onRefused={onRefused}
          signOut={credential.get() === undefined ? undefined : signOut}
          signInAgain={credential.get()?.renewal === undefined ? undefined : signIn}
        >
          {children}
        </SignedIn>
      )
  }
}

function SignedIn({
  access: { credential, renewal },
  viewer,
  onViewer,
  onRefused,
  children,
  ...ways
}: {
  readonly access: Access
  readonly viewer: Viewer
  readonly onViewer: (viewer: Viewer) => void
  readonly onRefused: () => void
  readonly children: ReactNode
} & Pick<Session, 'signOut' | 'signInAgain'>) {
  const [request] = useState(() => authorizedFetch(credential, renewal))
  const [opened, setOpened] = useState<{ readonly client: Client; readonly socket: Socket; look(): void }>()
  useEffect(() => {
    const client = createQueryClient(credential, renewal, onRefused)
    /** Reads again what the viewer may do. */
    const look = (): void => {
      void client
        .query(ViewerDocument, {}, { requestPolicy: 'network-only' })
        .toPromise()
        .then(({ data }) => data && onViewer(data.viewer))
    }
    const socket = openSocket(credential, renewal, { refused: onRefused, rightsChanged: look })
    setOpened({ client, socket, look })
    return () => {
      void socket.dispose()
    }
  }, [credential, renewal, onRefused, onViewer])
  if (opened === undefined) return null
  const { client, socket, look } = opened
  return (
    <Provider value={client}>
      <SessionContext value={{ ...ways, socket, request, renewal: renewal.state }}>
        <ViewerContext value={viewer}>
          {maySee(viewer) ? children : <NothingAllowed signOut={ways.signOut} onRetry={look} />}
        </ViewerContext>
      </SessionContext>
    </Provider>
  )
}
