import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useMutation } from 'urql'
import type { WholeJobTemplateFragment } from '../../../generated/console/graphql.ts'
import { ConditionText } from '../../condition/text.tsx'
import { formatDuration } from '../../format.ts'
import { useDefinitionDenial, useDenial } from '../../hub/use-viewer.ts'
import { JobTemplateDeleteDocument } from '../../job-template/documents.ts'
import { describeOnOverlap } from '../../on-overlap.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { ConfirmDialog } from '../../shell/confirm-dialog.tsx'
import { Page, Panel } from '../../shell/page.tsx'
import { describeTargets } from '../../targets.ts'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { Fact, Facts } from '../../ui/facts.tsx'
import { JsonView } from '../../ui/json-view.tsx'
import { Notice } from '../../ui/notice.tsx'
import lists from '../../ui/sentences.module.css'
import { Time } from '../../ui/time.tsx'
import { readRequest } from '../schedule/request.ts'
import { describeRollout } from '../schedule/summary.ts'
import { draftFromTemplate, unknownIn } from '../schedule/template-draft.ts'

/** The page of a template that exists. */
export function TemplateView({
  template,
  isDeleted,
}: {
  readonly template: WholeJobTemplateFragment
  /** Whether it was deleted since it was read. */
  readonly isDeleted: boolean
}) {
  const { templateId, cloudToDeviceMethod: method, labels } = template
  const [asksToDelete, setAsksToDelete] = useState(false)
  const denied = useDefinitionDenial()
  const scheduleDenied = useDenial()('WRITE_JOBS')
  const address = encodeURIComponent(templateId)
  const pace = describePace(template)
  return (
    <Page
      title={templateId}
      tab={`Template ${templateId}`}
      actions={
        <>
          <ButtonLink to={`/schedule?template=${address}`} kind="primary" denied={scheduleDenied}>
            Schedule…
          </ButtonLink>
          <ButtonLink to={`/schedules?template=${address}`} denied={scheduleDenied}>
            Schedule at recurring times…
          </ButtonLink>
          <ButtonLink to={`/templates/${address}/edit`} denied={denied}>
            Edit…
          </ButtonLink>
          <Button kind="danger" denied={denied} onClick={() => setAsksToDelete(true)}>
            Delete…
          </Button>
        </>
      }
    >
      {isDeleted && <Notice kind="warning">This template has been deleted.</Notice>}
      <Facts>
        {template.name !== null && <Fact name="Name">{template.name}</Fact>}
        {template.description !== null && <Fact name="Description">{template.description}</Fact>}
        {labels.length > 0 && (
          <Fact name="Labels">{labels.map(({ name, value }) => `${name}=${value}`).join(', ')}</Fact>
        )}
        <Fact name="Time limit">{formatDuration(template.maxExecutionTimeInSeconds)}</Fact>
        <Fact name="Changed">
          <Time value={template.updatedTime} /> by {template.updatedBy}
        </Fact>
      </Facts>
      <Panel title="Devices">
        {template.targets !== 'AT_START' && <p>{describeTargets(template.targets)}</p>}
        {template.onOverlap !== 'PARALLEL' && <p>{describeOnOverlap(template.onOverlap)}</p>}
        {template.queryCondition.trim() === '*' ? (
          <p>All devices</p>
        ) : (
          <ConditionText condition={template.queryCondition} />
        )}
      </Panel>
      <Panel title="Operation">
        {method ? (
          <>
            <p>
              Calls method <code>{method.methodName}</code>, and waits {formatDuration(method.responseTimeoutInSeconds)}{' '}
              for the response
              {method.connectTimeoutInSeconds === 0
                ? ''
                : `, and ${formatDuration(method.connectTimeoutInSeconds)} for an offline device`}
              .
            </p>
            {method.payload !== null && <JsonView value={method.payload} label="Method payload" isCopied />}
          </>
        ) : (
          <>
            <p>Updates twins with this patch:</p>
            <JsonView value={template.updateTwin} label="Twin patch" isCopied />
            {template.skipCompliant && <p>Devices that are up to date are skipped.</p>}
          </>
        )}
      </Panel>
      <Panel title="Pace and safety">
        {pace.length === 0 ? (
          <p>No limits, no abort rules</p>
        ) : (
          <ul className={lists.sentences}>
            {pace.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        )}
      </Panel>
      {asksToDelete && <DeleteDialog template={template} onClose={() => setAsksToDelete(false)} />}
    </Page>
  )
}

/** The limits, waves and rules in words. */
function describePace(template: WholeJobTemplateFragment): readonly string[] {
  const read = readRequest(draftFromTemplate(template))
  const rollout = 'request' in read ? read.request.rollout : undefined
  return [
    ...(rollout === undefined ? [] : describeRollout(rollout)),
    ...unknownIn(template).map((name) => `${name}: this version of the console cannot show it`),
  ]
}

function DeleteDialog({
  template: { templateId, etag },
  onClose,
}: {
  readonly template: WholeJobTemplateFragment
  readonly onClose: () => void
}) {
  const announce = useAnnounce()
  const navigate = useNavigate()
  const [, remove] = useMutation(JobTemplateDeleteDocument)
  // A template that changes while the question is asked is not the one that it is about.
  const [ifMatch] = useState(etag)
  return (
    <ConfirmDialog
      title="Delete this template?"
      action="Delete template"
      kind="danger"
      right="WRITE_JOBS"
      onClose={onClose}
      run={async () => {
        const { data, error } = await remove({ input: { templateId, ifMatch } })
        return { result: data?.deleteJobTemplate, error }
      }}
      // One that is already gone is as good as deleted.
      isDone={({ __typename }) => __typename === 'DeleteJobTemplatePayload' || __typename === 'NotFoundError'}
      onDone={() => {
        announce('Template deleted.')
        void navigate('/templates')
      }}
    >
      <p>Jobs that were scheduled from it stay. This can’t be undone.</p>
    </ConfirmDialog>
  )
}
