import { NavLink } from 'react-router'
import { useViewer } from '../hub/use-viewer.ts'
import styles from './job-places.module.css'
import { placesAbout } from './places.ts'

/** Leads from the list of jobs to what jobs are made of and scheduled by, and back. */
export function JobPlaces() {
  const places = placesAbout('/jobs', useViewer())
  return (
    <nav aria-label="About jobs">
      <ul className={styles.places}>
        {places.map(({ to, name }) => (
          <li key={to}>
            <NavLink to={to} className={styles.place ?? ''}>
              {name}
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  )
}
