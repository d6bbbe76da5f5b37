import { useEffect } from 'react'
import { useLocation, useSearchParams } from 'react-router'
import { useQuery } from 'urql'
import { useRightDenial } from '../../hub/use-viewer.ts'
import { JobTemplateDocument } from '../../job-template/documents.ts'
import { Page } from '../../shell/page.tsx'
import { ButtonLink } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { EmptyState, LoadingState } from '../../ui/states.tsx'
import { describeCopy, describeTemplateCopy } from './copy-notice.ts'
import { ScheduleFromDocument } from './documents.ts'
import { draftFrom } from './draft.ts'
import { ScheduleForm } from './form.tsx'
import { saveDraft, savedDraft } from './saved-draft.ts'
import { draftFromTemplate, unknownIn } from './template-draft.ts'

/** Schedules a job. `?condition=` fills in the condition, `?from=` copies another job, and `?template=` a template. */
export function Component() {
  const [search] = useSearchParams()
  const { state } = useLocation()
  const denied = useRightDenial()('WRITE_JOBS')
  const from = search.get('from')
  const condition = search.get('condition')
  const template = search.get('template')
  if (denied !== undefined) return <NotAllowed why={denied} />
  if (template !== null) return <FillFromTemplate templateId={template} />
  if (from !== null) return <FillFromJob jobId={from} />
  if (condition !== null) return <FillCondition condition={condition} />
  return <ScheduleForm notice={noticeIn(state)} />
}

function NotAllowed({ why }: { readonly why: string }) {
  return (
    <Page title="Schedule a job">
      <EmptyState title="You cannot schedule jobs" action={<ButtonLink to="/">Back to the first page</ButtonLink>}>
        <p>{why}</p>
      </EmptyState>
    </Page>
  )
}

/** The notice above a form that was filled in. */
function noticeIn(state: unknown): string | undefined {
  if (typeof state !== 'object' || state === null || !('notice' in state)) return undefined
  return typeof state.notice === 'string' ? state.notice : undefined
}

/** The condition moves from the address to the draft, so that what is typed afterwards survives a reload. */
function FillCondition({ condition }: { readonly condition: string }) {
  const [, setSearch] = useSearchParams()
  useEffect(() => {
    saveDraft({ ...savedDraft(), condition: condition.replace(/\r\n?/g, '\n') })
    setSearch({}, { replace: true })
  }, [condition, setSearch])
  return <Filling />
}

function FillFromJob({ jobId }: { readonly jobId: string }) {
  const [, setSearch] = useSearchParams()
  const [{ data, error, fetching }] = useQuery({
    query: ScheduleFromDocument,
    variables: { jobId },
    requestPolicy: 'cache-first',
  })
  useEffect(() => {
    if (fetching) return
    const job = data?.job
    if (job) saveDraft(draftFrom(job))
    const notice = job
      ? describeCopy(jobId, job, unknownIn(job))
      : `Job ${jobId} could not be copied. ${error ? describeError(error).message : 'It no longer exists.'}`
    setSearch({}, { replace: true, state: { notice } })
  }, [data, error, fetching, jobId, setSearch])
  return <Filling />
}

function FillFromTemplate({ templateId }: { readonly templateId: string }) {
  const [, setSearch] = useSearchParams()
  const [{ data, error, fetching }] = useQuery({
    query: JobTemplateDocument,
    variables: { templateId },
    requestPolicy: 'network-only',
  })
  useEffect(() => {
    if (fetching) return
    const template = data?.jobTemplate
    if (template) saveDraft(draftFromTemplate(template))
    const notice = template
      ? describeTemplateCopy(templateId, unknownIn(template))
      : `Template ${templateId} could not be copied. ${error ? describeError(error).message : 'It no longer exists.'}`
    setSearch({}, { replace: true, state: { notice } })
  }, [data, error, fetching, templateId, setSearch])
  return <Filling />
}

function Filling() {
  return (
    <Page title="Schedule a job">
      <LoadingState label="Loading form" />
    </Page>
  )
}
