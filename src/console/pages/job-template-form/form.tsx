import { useEffect, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { useMutation } from 'urql'
import { useDefinitionDenial } from '../../hub/use-viewer.ts'
import { JobTemplateCreateDocument, JobTemplateUpdateDocument } from '../../job-template/documents.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { DiscardOnLeaving } from '../../shell/discard-on-leaving.tsx'
import { Page, Panel } from '../../shell/page.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { DomainError, type DomainFailure, failureOf } from '../../ui/domain-error.tsx'
import { focusFirst } from '../../ui/focus-first.ts'
import forms from '../../ui/form.module.css'
import { Notice } from '../../ui/notice.tsx'
import { DevicesStep } from '../schedule/devices-step.tsx'
import type { Draft } from '../schedule/draft.ts'
import styles from '../schedule/form.module.css'
import { IdField } from '../schedule/id-field.tsx'
import { NamingStep } from '../schedule/naming-step.tsx'
import { OperationStep } from '../schedule/operation-step.tsx'
import { PaceStep } from '../schedule/pace-step.tsx'
import { type Problems, placeRefusal, problemsLeft } from '../schedule/problems.ts'
import { type JobRequest, readRequest } from '../schedule/request.ts'
import { TimeLimit } from '../schedule/time-limit.tsx'
import { useMatching } from '../schedule/use-matching.ts'
import { templateChange, templateOf } from './template-change.ts'

/** A template that is changed. */
type Edited = {
  readonly templateId: string
  readonly etag: string
  /** What its rollout has that the form does not know. */
  readonly unknown: readonly string[]
}

/** The form of a template: what a job has, but neither a start nor an ID of its own. */
export function TemplateForm({
  start,
  edited: latest,
  notice,
}: {
  readonly start: Draft
  readonly edited?: Edited
  /** What to know about a form that was filled in. */
  readonly notice?: string
}) {
  const announce = useAnnounce()
  const navigate = useNavigate()
  const denied = useDefinitionDenial()
  const [edited] = useState(latest)
  const [before] = useState(start)
  const [draft, setDraft] = useState(start)
  // The field of the job's ID has that of the template, so that what is wrong with it is said there.
  const id = edited?.templateId ?? draft.jobId.trim()
  const [found, setFound] = useState<{ readonly problems: Problems; readonly draft: Draft }>({ problems: {}, draft })
  const [failure, setFailure] = useState<DomainFailure>()
  const [saved, setSaved] = useState<string>()
  const [isEditingCondition, setEditingCondition] = useState(false)
  const [{ fetching: isCreating }, create] = useMutation(JobTemplateCreateDocument)
  const [{ fetching: isUpdating }, update] = useMutation(JobTemplateUpdateDocument)
  const matching = useMatching(draft.condition, isEditingCondition)
  const form = useRef<HTMLFormElement>(null)
  const problems = problemsLeft(found.problems, found.draft, draft)
  const change = (part: Partial<Draft>): void => setDraft((known) => ({ ...known, ...part }))
  const steps = { draft, problems, change }

  // Only once nothing asks any more whether to discard what was typed.
  useEffect(() => {
    if (saved !== undefined) void navigate(`/templates/${encodeURIComponent(saved)}`, { replace: true })
  }, [saved, navigate])

  const point = (next: Problems): void => {
    setFound({ problems: next, draft })
    focusFirst(form.current, next)
  }
  const submit = async (): Promise<void> => {
    setFailure(undefined)
    const read = readRequest(draft)
    const missing: Problems = edited === undefined && id === '' ? { jobId: 'Enter an ID, such as reboot-pumps.' } : {}
    if ('problems' in read || missing.jobId !== undefined) {
      point({ ...missing, ...('problems' in read && read.problems) })
      return
    }
    const refused = await send(read.request)
    if (refused === undefined) {
      announce('Template saved.')
      setSaved(id)
      return
    }
    const place =
      refused.path?.[0] === 'templateId'
        ? ({ field: 'jobId', message: refused.message } as const)
        : placeRefusal(refused)
    if (place === undefined) setFailure(refused)
    else point({ [place.field]: place.message })
  }
  /** Returns why it was refused. */
  const send = async (request: JobRequest): Promise<DomainFailure | undefined> => {
    if (edited === undefined) {
      const { data, error } = await create({ input: { templateId: id, ...templateOf(request) } })
      const result = data?.createJobTemplate
      return result?.__typename === 'CreateJobTemplatePayload' ? undefined : failureOf(result, error)
    }
    const initial = readRequest(before)
    const changed = 'request' in initial ? templateChange(initial.request, request) : templateOf(request)
    if (changed.rollout !== undefined && edited.unknown.length > 0) {
      const message = `This version of the console cannot change the pace of this template: it does not know ${edited.unknown.join(', ')}.`
      return { __typename: 'InvalidInputError', message }
    }
    const { data, error } = await update({ input: { templateId: id, ifMatch: edited.etag, ...changed } })
    const result = data?.updateJobTemplate
    return result?.__typename === 'UpdateJobTemplatePayload' ? undefined : failureOf(result, error)
  }
  const isEdited = JSON.stringify(draft) !== JSON.stringify(before)

  return (
    <Page title={edited === undefined ? 'Create template' : `Edit template ${id}`}>
      {notice !== undefined && <Notice>{notice}</Notice>}
      <form
        ref={form}
        className={styles.steps}
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <Panel title="Template">
          <div className={styles.pair}>
            {edited === undefined && (
              <div data-field="jobId">
                <IdField noun="Template" draft={draft} problems={problems} change={change} />
              </div>
            )}
            <TimeLimit {...steps} />
          </div>
        </Panel>
        <DevicesStep {...steps} matching={matching} onEditing={setEditingCondition} />
        <OperationStep {...steps} />
        <PaceStep {...steps} />
        <NamingStep {...steps} />
        {failure && <DomainError error={failure} />}
        <div className={forms.actions}>
          <ButtonLink to={edited === undefined ? '/templates' : `/templates/${encodeURIComponent(id)}`}>
            Cancel
          </ButtonLink>
          <Button type="submit" kind="primary" busy={isCreating || isUpdating} denied={denied}>
            {edited === undefined ? 'Create template' : 'Save template'}
          </Button>
        </div>
      </form>
      {isEdited && saved === undefined && <DiscardOnLeaving />}
    </Page>
  )
}
