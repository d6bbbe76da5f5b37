import { useQuery } from 'urql'
import { JobTemplatesListDocument } from './documents.ts'

/** The most templates that are proposed. */
const most = 100

/** The IDs of templates, which the browser proposes while one is typed in a field with this `list`. */
export function TemplateList({ id }: { readonly id: string }) {
  const [{ data }] = useQuery({
    query: JobTemplatesListDocument,
    variables: { first: most },
    requestPolicy: 'cache-and-network',
  })
  return (
    <datalist id={id}>
      {data?.jobTemplates?.nodes.map(({ templateId, name }) => (
        <option key={templateId} value={templateId} label={name ?? undefined} />
      ))}
    </datalist>
  )
}
