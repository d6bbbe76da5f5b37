import { useState } from 'react'
import type { JobNowFragment, WaveNowFragment } from '../../../generated/console/graphql.ts'
import { ConditionText } from '../../condition/text.tsx'
import { formatCount, formatPlanned } from '../../format.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { Panel } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { Icon } from '../../ui/icon.tsx'
import { partsOf, type Statistics } from '../../ui/statistics.ts'
import { StatisticsBar } from '../../ui/statistics-bar.tsx'
import { Badge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import tones from '../../ui/tones.module.css'
import { ApproveDialog, RejectDialog } from './approval-dialog.tsx'
import { OpenWaveDialog } from './open-wave-dialog.tsx'
import { describeSize, findStep, type ShownWave, showWave, type WaveStep } from './waves.ts'
import styles from './waves-panel.module.css'

/** What a dialog asks about. The step is that of the moment when it was opened. */
type Asked = { readonly to: 'open' | 'approve' | 'reject'; readonly step: WaveStep }

/** The waves of a job, live: their devices, how far each has come, and what can be done about the next one. */
export function Waves({
  jobId,
  now,
  waves,
  onChanged,
}: {
  readonly jobId: string
  readonly now: JobNowFragment
  readonly waves: readonly WaveNowFragment[]
  readonly onChanged: () => void
}) {
  const [asked, setAsked] = useState<Asked>()
  if (waves.length === 0) return undefined
  const step = findStep(waves, now)
  const close = (): void => setAsked(undefined)
  const decided = asked && { number: asked.step.next.number, onFailure: asked.step.open.gate?.onFailure ?? 'PAUSE' }
  return (
    <Panel title="Waves">
      <ol className={styles.waves}>
        {waves.map((wave) => (
          <li key={wave.number} className={styles.wave}>
            <State wave={wave} shown={showWave(wave, waves, now)} />
            {wave.queryCondition !== null && <ConditionText condition={wave.queryCondition} />}
            {wave.deviceJobStatistics !== null && <Counters statistics={wave.deviceJobStatistics} />}
            {step?.open.number === wave.number && <Actions step={step} onAsk={(to) => setAsked({ to, step })} />}
          </li>
        ))}
      </ol>
      {asked?.to === 'open' && <OpenWaveDialog jobId={jobId} step={asked.step} onClose={close} onChanged={onChanged} />}
      {asked?.to === 'approve' && decided && (
        <ApproveDialog jobId={jobId} wave={decided} onClose={close} onChanged={onChanged} />
      )}
      {asked?.to === 'reject' && decided && (
        <RejectDialog jobId={jobId} wave={decided} onClose={close} onChanged={onChanged} />
      )}
    </Panel>
  )
}

function State({ wave, shown }: { readonly wave: WaveNowFragment; readonly shown: ShownWave }) {
  const { detail, until } = shown
  return (
    <>
      <div className={styles.head}>
        <h3>Wave {wave.number}</h3>
        <Badge {...shown} />
        <span className={styles.muted}>{describeSize(wave)}</span>
      </div>
      {(detail !== '' || until !== undefined) && (
        <p>
          {detail}
          {until !== undefined && (
            <>
              , soaking until <Time value={until} describe={formatPlanned} />
            </>
          )}
        </p>
      )}
    </>
  )
}

function Counters({ statistics }: { readonly statistics: Statistics }) {
  if (statistics.deviceCount === 0) return undefined
  return (
    <>
      <StatisticsBar statistics={statistics} />
      <ul className={styles.counters}>
        {partsOf(statistics)
          .filter(({ count }) => count > 0)
          .map(({ tone, word, count }) => (
            <li key={tone} className={tones[tone]}>
              <Icon name={tone} size={13} />
              {formatCount(count)} {word}
            </li>
          ))}
      </ul>
    </>
  )
}

/** What can be done now. The palette offers it, too. */
function Actions({ step, onAsk }: { readonly step: WaveStep; readonly onAsk: (to: Asked['to']) => void }) {
  const denial = useDenial()
  const { kind, open, next } = step
  return (
    <div className={styles.actions} data-actions>
      {kind === 'open' ? (
        <Button denied={denial('WRITE_JOBS')} onClick={() => onAsk('open')}>
          Open wave {next.number}…
        </Button>
      ) : (
        <>
          <Button kind="primary" denied={denial('APPROVE_JOBS')} onClick={() => onAsk('approve')}>
            Approve wave {next.number}…
          </Button>
          {/* A gate that has failed already would only fail again. */}
          {open.status === 'WAITING_FOR_APPROVAL' && (
            <Button denied={denial('APPROVE_JOBS')} onClick={() => onAsk('reject')}>
              Reject wave {next.number}…
            </Button>
          )}
        </>
      )}
    </div>
  )
}
