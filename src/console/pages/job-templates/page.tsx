import type { JobTemplateRowFragment as Row } from '../../../generated/console/graphql.ts'
import { useFollowedList } from '../../definition/use-followed-list.ts'
import { type KeptRows, usePages } from '../../hub/pages.ts'
import { useDefinitionDenial } from '../../hub/use-viewer.ts'
import { JobTemplatesChangedDocument, JobTemplatesListDocument } from '../../job-template/documents.ts'
import { describeOperation } from '../../operation.ts'
import { JobPlaces } from '../../shell/job-places.tsx'
import { Page } from '../../shell/page.tsx'
import { SimpleList } from '../../shell/simple-list.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { Icon } from '../../ui/icon.tsx'
import { NamedLink } from '../../ui/named-link.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { Time } from '../../ui/time.tsx'
import type { Column } from '../../ui/virtual-table.tsx'

/** The list as it was left. */
const keep: KeptRows<Row> = {}

const columns: readonly Column<Row>[] = [
  {
    id: 'template',
    name: 'Template',
    width: 'minmax(10rem, 2fr)',
    narrow: 'title',
    cell: ({ templateId, name, description }) => (
      <NamedLink
        to={`/templates/${encodeURIComponent(templateId)}`}
        name={templateId}
        description={name ?? description}
      />
    ),
  },
  { id: 'operation', name: 'Operation', width: 'minmax(8rem, 1fr)', cell: describeOperation },
  {
    id: 'condition',
    name: 'Devices',
    width: 'minmax(10rem, 2fr)',
    narrow: 'bare',
    cell: ({ queryCondition }) => (queryCondition.trim() === '*' ? 'All devices' : <code>{queryCondition}</code>),
  },
  { id: 'by', name: 'Changed by', width: 'minmax(6rem, 1fr)', cell: ({ updatedBy }) => updatedBy },
  {
    id: 'updated',
    name: 'Changed',
    width: '6.5rem',
    align: 'end',
    cell: ({ updatedTime }) => <Time value={updatedTime} />,
  },
]

/** The templates of jobs. */
export function Component() {
  const pages = usePages(
    JobTemplatesListDocument,
    { first: 50 },
    { read: ({ jobTemplates }) => jobTemplates, keyOf: ({ id }) => id, keep },
  )
  const list = useFollowedList(pages, JobTemplatesChangedDocument, {
    read: ({ definitionChanged: { definitions, ...others } }) => ({
      ...others,
      rows: definitions.flatMap((one) => (one.__typename === 'JobTemplate' ? [one] : [])),
    }),
    nameOf: ({ templateId }) => templateId,
  })
  const denied = useDefinitionDenial()
  return (
    <Page
      title="Templates"
      actions={
        <>
          <Button onClick={list.reload} busy={list.loading}>
            Refresh
          </Button>
          <ButtonLink to="/new-template" kind="primary" denied={denied}>
            <Icon name="plus" /> Create template…
          </ButtonLink>
        </>
      }
    >
      <JobPlaces />
      <SimpleList
        name="templates"
        list={list}
        columns={columns}
        empty={
          <EmptyState title="No templates yet">
            <p>
              A template holds what several jobs have in common: the devices, the method or the patch, the limits, the
              waves and the abort rules. Jobs are scheduled from it, once or by a schedule.
            </p>
          </EmptyState>
        }
      />
    </Page>
  )
}
