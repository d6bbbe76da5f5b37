import { Navigate } from 'react-router'
import { useViewer } from '../hub/use-viewer.ts'
import { placesOf } from './places.ts'

/** Leads to the first page that the viewer may see. */
export function Home() {
  const [first] = placesOf(useViewer())
  return <Navigate to={first?.to ?? '/jobs'} replace />
}
