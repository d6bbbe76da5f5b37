import { useParams } from 'react-router'
import { useQuery } from 'urql'
import { JobTemplateDocument } from '../../job-template/documents.ts'
import { FoundPage } from '../../shell/found-page.tsx'
import { TemplateView } from './template-view.tsx'

/** One template: what its jobs have in common. */
export function Component() {
  const { templateId = '' } = useParams()
  const [{ data, error, fetching }, read] = useQuery({ query: JobTemplateDocument, variables: { templateId } })
  return (
    <FoundPage
      noun="template"
      list={{ to: '/templates', name: 'templates' }}
      thing={data?.jobTemplate}
      error={error}
      fetching={fetching}
      onRetry={() => read({ requestPolicy: 'network-only' })}
    >
      {(template) => <TemplateView key={templateId} template={template} />}
    </FoundPage>
  )
}
