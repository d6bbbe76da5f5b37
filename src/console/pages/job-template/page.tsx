import { useParams } from 'react-router'
import { useQuery } from 'urql'
import { useChangesOf } from '../../definition/use-changes-of.ts'
import { JobTemplateDocument } from '../../job-template/documents.ts'
import { FoundPage } from '../../shell/found-page.tsx'
import { TemplateView } from './template-view.tsx'

/** One template: what its jobs have in common. */
export function Component() {
  const { templateId = '' } = useParams()
  const [{ data, error, fetching }, read] = useQuery({ query: JobTemplateDocument, variables: { templateId } })
  const reload = (): void => read({ requestPolicy: 'network-only' })
  const isDeleted = useChangesOf('JOB_TEMPLATE', data?.jobTemplate?.id, reload)
  return (
    <FoundPage
      noun="template"
      list={{ to: '/templates', name: 'templates' }}
      thing={data?.jobTemplate}
      error={error}
      fetching={fetching}
      onRetry={reload}
    >
      {(template) => <TemplateView key={templateId} template={template} isDeleted={isDeleted} />}
    </FoundPage>
  )
}
