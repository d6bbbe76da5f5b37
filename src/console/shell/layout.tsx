import { NavLink, Outlet, ScrollRestoration, useNavigation } from 'react-router'
import type { Right } from '../../generated/console/graphql.ts'
import { useSession } from '../hub/session-gate.tsx'
import { useViewer } from '../hub/use-viewer.ts'
import { Icon } from '../ui/icon.tsx'
import type { IconName } from '../ui/icon-paths.ts'
import { Announcer } from './announcer.tsx'
import { ConnectionStatus } from './connection-status.tsx'
import styles from './layout.module.css'
import { Logo } from './logo.tsx'
import { RenewalNotice } from './renewal-notice.tsx'
import { ThemeSwitch } from './theme-switch.tsx'
import { Who } from './who.tsx'

const places = [
  { to: '/jobs', name: 'Jobs', icon: 'jobs', rights: ['READ_JOBS'] },
  { to: '/schedule', name: 'Schedule', icon: 'schedule', rights: ['READ_JOBS'] },
  { to: '/devices', name: 'Devices', icon: 'devices', rights: ['READ_DEVICES', 'READ_TWINS'] },
] as const satisfies readonly { readonly to: string; name: string; icon: IconName; rights: readonly Right[] }[]

/** The frame of every page. */
export function Layout() {
  const { signOut } = useSession()
  const viewer = useViewer()
  const navigation = useNavigation()
  return (
    <Announcer>
      <a className={styles.skip} href="#main">
        Skip to content
      </a>
      <header className={styles.bar}>
        <NavLink to="/" className={styles.brand ?? ''} aria-label="Twincast">
          <Logo /> <span className={styles.word}>Twincast</span>
        </NavLink>
        <nav className={styles.places} aria-label="Main">
          {places
            .filter(({ rights }) => rights.some((right) => viewer.rights.includes(right)))
            .map(({ to, name, icon }) => (
              <NavLink key={to} to={to} className={styles.place ?? ''}>
                <Icon name={icon} /> {name}
              </NavLink>
            ))}
        </nav>
        <div className={styles.tools}>
          <ConnectionStatus />
          <a className={styles.tool} href="/graphql" aria-label="GraphiQL" title="GraphiQL: explore the hub’s API">
            <span className={styles.word}>GraphiQL</span> <Icon name="external" size={13} />
          </a>
          <ThemeSwitch />
          <Who />
          {signOut && (
            <button type="button" className={styles.tool} onClick={signOut}>
              Sign out
            </button>
          )}
        </div>
      </header>
      <RenewalNotice />
      <main id="main" tabIndex={-1} aria-busy={navigation.state !== 'idle'}>
        <Outlet />
      </main>
      <ScrollRestoration />
    </Announcer>
  )
}
