import { ButtonLink } from '../ui/button.tsx'
import { EmptyState } from '../ui/states.tsx'
import { Page } from './page.tsx'

/** Where an address leads nowhere. */
export function NotFound() {
  return (
    <Page title="Page not found">
      <EmptyState title="There is no page at this address" action={<ButtonLink to="/jobs">Go to the jobs</ButtonLink>}>
        <p>The link may be misspelt, or of another version of the console.</p>
      </EmptyState>
    </Page>
  )
}
