import { Link, Outlet, ScrollRestoration, useLocation, useNavigation } from 'react-router'
import { useSession } from '../hub/use-session.ts'
import { useViewer } from '../hub/use-viewer.ts'
import { Shortcuts } from '../keys/shortcuts.tsx'
import { PaletteButton } from '../palette/palette-button.tsx'
import { Icon } from '../ui/icon.tsx'
import { Announcer } from './announcer.tsx'
import { ConnectionStatus } from './connection-status.tsx'
import { JobNotices } from './job-notices.tsx'
import styles from './layout.module.css'
import { Logo } from './logo.tsx'
import { OutageNotice } from './outage-notice.tsx'
import { mainPlaceOf, placesOf } from './places.ts'
import { RenewalNotice } from './renewal-notice.tsx'
import { ThemeSwitch } from './theme-switch.tsx'
import { Who } from './who.tsx'

/** Whether the hub serves GraphiQL, as it wrote into the page. */
const hasGraphiql = (): boolean => document.querySelector<HTMLMetaElement>('meta[name="graphiql"]')?.content === 'true'

/** The frame of every page. */
export function Layout() {
  const { signOut } = useSession()
  const viewer = useViewer()
  const navigation = useNavigation()
  const here = mainPlaceOf(useLocation().pathname)
  return (
    <Announcer>
      <a className={styles.skip} href="#main">
        Skip to content
      </a>
      <header className={styles.bar}>
        <Link to="/" className={styles.brand} aria-label="Twincast">
          <Logo /> <span className={styles.word}>Twincast</span>
        </Link>
        <nav className={styles.places} aria-label="Main">
          {placesOf(viewer).map(({ to, name, icon }) => (
            <Link key={to} to={to} className={styles.place} aria-current={to === here ? 'page' : undefined}>
              <Icon name={icon} /> {name}
            </Link>
          ))}
        </nav>
        <div className={styles.tools}>
          <ConnectionStatus />
          {hasGraphiql() && (
            <a className={styles.tool} href="/graphql" aria-label="GraphiQL" title="GraphiQL: explore the hub’s API">
              <span className={styles.word}>GraphiQL</span> <Icon name="external" size={13} />
            </a>
          )}
          <PaletteButton />
          <Shortcuts />
          <ThemeSwitch />
          <Who />
          {signOut && (
            <button type="button" className={styles.tool} onClick={signOut}>
              Sign out
            </button>
          )}
        </div>
      </header>
      <div className={styles.notices}>
        <OutageNotice />
        <RenewalNotice />
      </div>
      <main id="main" tabIndex={-1} aria-busy={navigation.state !== 'idle'}>
        <Outlet />
      </main>
      <JobNotices />
      <ScrollRestoration />
    </Announcer>
  )
}
