import { useEffect } from 'react'
import { useLocation, useSearchParams } from 'react-router'
import { useQuery } from 'urql'
import { Page } from '../../shell/page.tsx'
import { describeError } from '../../ui/errors.ts'
import { LoadingState } from '../../ui/states.tsx'
import { ScheduleFromDocument } from './documents.ts'
import { draftFrom } from './draft.ts'
import { ScheduleForm } from './form.tsx'
import { saveDraft, savedDraft } from './saved-draft.ts'

/** Schedules a job. `?condition=` fills in the condition, `?from=` all that another job was. */
export function Component() {
  const [search] = useSearchParams()
  const { state } = useLocation()
  const from = search.get('from')
  const condition = search.get('condition')
  if (from !== null) return <FillFromJob jobId={from} />
  if (condition !== null) return <FillCondition condition={condition} />
  return <ScheduleForm notice={noticeIn(state)} />
}

/** What is to be said above a form that was filled in. */
function noticeIn(state: unknown): string | undefined {
  if (typeof state !== 'object' || state === null || !('notice' in state)) return undefined
  return typeof state.notice === 'string' ? state.notice : undefined
}

/** What is filled in becomes the draft, and leaves the address: what is typed after that must survive a reload. */
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
    const isPart = Boolean(job?.retryOf)
    const notice = job
      ? `Filled in from the job ${jobId}.${isPart ? ' That was a retry on a part of the devices; its condition selects all of them.' : ''}`
      : `Nothing could be filled in from the job ${jobId}. ${error ? describeError(error).message : 'There is no such job any more.'}`
    setSearch({}, { replace: true, state: { notice } })
  }, [data, error, fetching, jobId, setSearch])
  return <Filling />
}

function Filling() {
  return (
    <Page title="Schedule a job">
      <LoadingState label="Filling in the form" />
    </Page>
  )
}
