import { type FormEvent, useRef, useState } from 'react'
import { useClient, useMutation } from 'urql'
import type { DeviceGroupRowFragment } from '../../../generated/console/graphql.ts'
import { ConditionEditor } from '../../condition/editor.tsx'
import { describeFault } from '../../condition/fault.ts'
import { useDefinitionDenial } from '../../hub/use-viewer.ts'
import { sentence } from '../../message-at-field.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Button } from '../../ui/button.tsx'
import { CancelButton, Dialog } from '../../ui/dialog.tsx'
import { DomainError, type DomainFailure, failureOf } from '../../ui/domain-error.tsx'
import { Field } from '../../ui/field.tsx'
import { focusFirst } from '../../ui/focus-first.ts'
import styles from '../../ui/form.module.css'
import { describeDevices } from '../schedule/summary.ts'
import { type Matching, useMatching } from '../schedule/use-matching.ts'
import { DeviceGroupDocument, DeviceGroupSaveDocument } from './documents.ts'

/** Changes a group, or creates one. It says how many devices meet the condition while it is typed. */
export function EditDialog({
  group,
  onClose,
  onSaved,
}: {
  readonly group: DeviceGroupRowFragment | undefined
  readonly onClose: () => void
  readonly onSaved: () => void
}) {
  const announce = useAnnounce()
  const client = useClient()
  const denied = useDefinitionDenial()
  const [, save] = useMutation(DeviceGroupSaveDocument)
  const [before] = useState({
    name: group?.name ?? '',
    condition: group?.queryCondition ?? '',
    description: group?.description ?? '',
  })
  const [typed, setTyped] = useState(before)
  const [isEditingCondition, setEditingCondition] = useState(false)
  const [isBusy, setIsBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  const [problems, setProblems] = useState<{ readonly name?: string; readonly condition?: string }>({})
  const [failure, setFailure] = useState<DomainFailure>()
  const matching = useMatching(typed.condition, isEditingCondition)
  const change = (part: Partial<typeof typed>): void => {
    setTyped({ ...typed, ...part })
    setProblems(Object.fromEntries(Object.entries(problems).filter(([name]) => !(name in part))))
  }

  const point = (found: typeof problems): void => {
    setProblems(found)
    focusFirst(form.current, found)
  }

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setFailure(undefined)
    const name = typed.name.trim()
    const missing = {
      ...(name === '' && { name: 'Enter a name, such as north-pumps.' }),
      ...(typed.condition.trim() === '' && { condition: 'Enter a condition. * selects all devices.' }),
    }
    setProblems({})
    if (Object.keys(missing).length > 0) {
      point(missing)
      return
    }
    setIsBusy(true)
    const refused = await send(name)
    setIsBusy(false)
    if (refused === undefined) {
      announce('Group saved.')
      onSaved()
      onClose()
    } else if (refused.path?.[0] === 'name') point({ name: refused.message })
    else if (refused.__typename === 'QueryConditionError') point({ condition: sentence(refused.message) })
    else setFailure(refused)
  }
  /** Returns why it was refused. */
  const send = async (name: string): Promise<DomainFailure | undefined> => {
    if (group === undefined) {
      // The hub would replace it.
      const { data, error } = await client
        .query(DeviceGroupDocument, { name }, { requestPolicy: 'network-only' })
        .toPromise()
      if (error !== undefined) return failureOf(undefined, error)
      if (data?.deviceGroup) {
        return { __typename: 'AlreadyExistsError', message: 'A group with this name already exists.', path: ['name'] }
      }
    }
    const { data, error } = await save({
      input: {
        name,
        queryCondition: typed.condition,
        description: typed.description.trim() === '' ? null : typed.description.trim(),
        ...(group !== undefined && { ifMatch: group.etag }),
      },
    })
    const result = data?.saveDeviceGroup
    return result?.__typename === 'SaveDeviceGroupPayload' ? undefined : failureOf(result, error)
  }

  return (
    <Dialog
      title={group === undefined ? 'Create group' : `Edit group ${group.name}`}
      isEdited={JSON.stringify(typed) !== JSON.stringify(before)}
      onClose={onClose}
    >
      <form ref={form} className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
        {group === undefined && (
          <Field
            name="name"
            label="Name"
            error={problems.name}
            hint="Up to 64 letters, digits, dots, dashes and underscores. It cannot be changed later."
          >
            {(props) => (
              <input
                {...props}
                value={typed.name}
                maxLength={64}
                autoCapitalize="none"
                autoComplete="off"
                spellCheck={false}
                onChange={({ target }) => change({ name: target.value })}
              />
            )}
          </Field>
        )}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: it only listens to the editor inside. */}
        <div onFocus={() => setEditingCondition(true)} onBlur={() => setEditingCondition(false)}>
          <Field
            name="condition"
            label="Devices"
            error={problems.condition}
            hint={<span role="status">{describe(matching, typed.condition)}</span>}
          >
            {(props) => (
              <ConditionEditor
                {...props}
                label="Condition"
                value={typed.condition}
                onChange={(condition) => change({ condition })}
                fault={matching.failure?.fault}
              />
            )}
          </Field>
        </div>
        <Field label="Description" optional hint="What people should know about the group.">
          {(props) => (
            <input
              {...props}
              value={typed.description}
              maxLength={2_000}
              autoComplete="off"
              onChange={({ target }) => change({ description: target.value })}
            />
          )}
        </Field>
        {group !== undefined && (
          <p className={styles.note}>Jobs keep the condition that the group had when they were scheduled.</p>
        )}
        {failure && <DomainError error={failure} />}
        <div className={styles.actions}>
          <CancelButton />
          <Button type="submit" kind="primary" busy={isBusy} denied={denied}>
            {group === undefined ? 'Create' : 'Save'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

/** What is known about the devices that meet the condition. */
function describe({ match, isPresent, isUnfinished, failure }: Matching, condition: string): string {
  if (failure !== undefined && !isUnfinished) {
    return failure.fault ? describeFault(failure.fault, condition) : failure.message
  }
  if (match === undefined || !isPresent) return "Such as tags.site = 'north' AND tags.kind = 'pump'."
  return `${describeDevices(match.deviceCount)} now.`
}
