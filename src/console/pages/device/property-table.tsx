import { propertiesOf } from '../../device/differences.ts'
import { type JsonObject, sortMembers } from '../../device/json.ts'
import { Icon } from '../../ui/icon.tsx'
import { printJson } from '../../ui/json-text.ts'
import styles from './property-table.module.css'

/** Desired and reported properties by their paths. Those that the device does not report as desired are marked. */
export function PropertyTable({ desired, reported }: { readonly desired: JsonObject; readonly reported: JsonObject }) {
  const properties = propertiesOf(desired, reported)
  if (properties.length === 0) return null
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard.
    <section className={styles.scroller} aria-label="Desired and reported properties" tabIndex={0}>
      <table className={styles.properties}>
        <thead>
          <tr>
            <th scope="col">Property</th>
            <th scope="col">Desired</th>
            <th scope="col">Reported</th>
          </tr>
        </thead>
        <tbody>
          {properties.map(({ path, before, after, is }) => (
            <tr key={path} className={styles[is]}>
              <th scope="row">
                {is === 'unmet' && (
                  <>
                    <Icon name="partial" /> <span className="hidden">Out of sync:</span>{' '}
                  </>
                )}
                <code>{path}</code>
              </th>
              <Value value={before} />
              <Value value={after} />
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Value({ value }: { readonly value: unknown }) {
  return <td>{value === undefined ? '–' : <code>{printJson(sortMembers(value))}</code>}</td>
}
