import { Dialog } from '../ui/dialog.tsx'
import { setCharacterKeys, useCharacterKeys } from './character-keys.ts'
import { isMac } from './is-mac.ts'
import styles from './key-list.module.css'
import { type KeyName, keyTable, spellKeys } from './key-table.ts'
import { workingKeys } from './use-keys.ts'

/** The keys that do something on this page, and the switch for those without a modifier. */
export function KeyList({ onClose }: { readonly onClose: () => void }) {
  const areOn = useCharacterKeys()
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl className={styles.keys}>
        {workingKeys().map((name) => (
          <div key={name} className={styles.entry}>
            <dt>
              <Keys name={name} />
            </dt>
            <dd>{keyTable[name].does}</dd>
          </div>
        ))}
      </dl>
      <label className={styles.switch}>
        <input type="checkbox" checked={areOn} onChange={({ target }) => setCharacterKeys(target.checked)} />
        Shortcuts of single characters, such as <kbd>j</kbd>
      </label>
    </Dialog>
  )
}

/** The keys of an entry, as a keyboard has them. */
export function Keys({ name }: { readonly name: KeyName }) {
  return spellKeys(name, isMac).map((press, index) => (
    <span key={press.join()}>
      {index > 0 && ' then '}
      {press.map((key, place) => (
        <span key={key}>
          {place > 0 && ' + '}
          <kbd className={styles.key}>{key}</kbd>
        </span>
      ))}
    </span>
  ))
}
