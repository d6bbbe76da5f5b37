import { useParams, useSearchParams } from 'react-router'
import { useQuery } from 'urql'
import { useViewer } from '../../hub/use-viewer.ts'
import { definitionDenialOf, denialOf } from '../../hub/viewer.ts'
import { JobTemplateDocument } from '../../job-template/documents.ts'
import { FoundPage } from '../../shell/found-page.tsx'
import { Page } from '../../shell/page.tsx'
import { ButtonLink } from '../../ui/button.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { describeCopy } from '../schedule/copy-notice.ts'
import { ScheduleFromDocument } from '../schedule/documents.ts'
import { draftFrom, emptyDraft } from '../schedule/draft.ts'
import { draftFromTemplate, unknownIn } from '../schedule/template-draft.ts'
import { TemplateForm } from './form.tsx'

/** The form of a template that exists or, at another address, of a new one. `?from=` begins with what a job has. */
export function Component() {
  const { templateId } = useParams()
  const [search] = useSearchParams()
  const viewer = useViewer()
  const from = search.get('from')
  const denied = viewer.rights.includes('WRITE_JOBS') ? definitionDenialOf(viewer) : denialOf(viewer, 'WRITE_JOBS')
  if (denied !== undefined) {
    return (
      <Page title="Template">
        <EmptyState
          title="You cannot change templates"
          action={<ButtonLink to="/templates">Back to templates</ButtonLink>}
        >
          <p>{denied}</p>
        </EmptyState>
      </Page>
    )
  }
  if (templateId !== undefined) return <EditTemplate key={templateId} templateId={templateId} />
  return from === null ? <TemplateForm start={emptyDraft} /> : <FromJob key={from} jobId={from} />
}

function EditTemplate({ templateId }: { readonly templateId: string }) {
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
      {/* The form keeps the template with which it began: its etag says whether somebody else has changed it since. */}
      {(template) => (
        <TemplateForm
          start={draftFromTemplate(template)}
          edited={{ templateId, etag: template.etag, unknown: unknownIn(template) }}
        />
      )}
    </FoundPage>
  )
}

function FromJob({ jobId }: { readonly jobId: string }) {
  const [{ data, error, fetching }, read] = useQuery({ query: ScheduleFromDocument, variables: { jobId } })
  return (
    <FoundPage
      noun="job"
      list={{ to: '/jobs', name: 'jobs' }}
      thing={data?.job}
      error={error}
      fetching={fetching}
      onRetry={() => read({ requestPolicy: 'network-only' })}
    >
      {(job) => <TemplateForm start={draftFrom(job)} notice={describeCopy(jobId, job, unknownIn(job), 'template')} />}
    </FoundPage>
  )
}
