import { Link } from 'react-router'
import type { ListPage } from './saved-views.ts'
import { useSavedViews } from './stored-views.ts'
import styles from './view-links.module.css'

/** Links to the saved views of a list. `search`: its present filters, of which the view is marked. */
export function ViewLinks({ page, search }: { readonly page: ListPage; readonly search: string }) {
  const views = useSavedViews().filter((view) => view.page === page)
  if (views.length === 0) return null
  return (
    <nav aria-label="Saved views">
      <ul className={styles.views}>
        {views.map((view) => (
          <li key={view.name}>
            <Link
              className={styles.view}
              to={`/${page}?${view.search}`}
              aria-current={view.search === search || undefined}
            >
              {view.name}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
