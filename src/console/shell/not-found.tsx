import { ButtonLink } from '../ui/button.tsx'
import { EmptyState } from '../ui/states.tsx'
import { Page } from './page.tsx'

/** The page for an unknown address. */
export function NotFound() {
  return (
    <Page title="Page not found">
      <EmptyState title="There is no page at this address" action={<ButtonLink to="/jobs">Back to jobs</ButtonLink>}>
        <p>The link may be misspelt, or it belongs to another version of the console.</p>
      </EmptyState>
    </Page>
  )
}
