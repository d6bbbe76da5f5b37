import { json } from '@codemirror/lang-json'
import { MergeView, originalDocChangeEffect, unifiedMergeView } from '@codemirror/merge'
import { ChangeSet, EditorState, type Extension, type Text } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { useEffect, useRef, useState } from 'react'
import { sortMembers } from '../../device/json.ts'
import { highlighting, look, nonce } from '../../ui/code-editor.tsx'
import { printJson } from '../../ui/json-text.ts'
import styles from './twin-diff.module.css'

/** Where there is room for two columns. */
const wide = '(min-width: 60rem)'

/** Desired and reported properties, side by side or in one column, with their differences marked. */
export function TwinDiff({ desired, reported }: { readonly desired: unknown; readonly reported: unknown }) {
  const isWide = useMedia(wide)
  const desiredText = printJson(sortMembers(desired))
  const reportedText = printJson(sortMembers(reported))
  return (
    <figure className={styles.diff}>
      <figcaption className={isWide ? styles.pair : undefined}>
        {isWide ? (
          <>
            <span>Desired</span>
            <span>Reported</span>
          </>
        ) : (
          <span>
            Reported
            {desiredText !== reportedText && desiredText !== '{}' && (
              <>
                , with <span className={styles.wanted}>differing desired values</span> above
              </>
            )}
          </span>
        )}
      </figcaption>
      {isWide ? (
        <Pair key="pair" desiredText={desiredText} reportedText={reportedText} />
      ) : (
        <Unified key="unified" desiredText={desiredText} reportedText={reportedText} />
      )}
    </figure>
  )
}

type Texts = { readonly desiredText: string; readonly reportedText: string }

function Pair({ desiredText, reportedText }: Texts) {
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<MergeView>(undefined)
  const first = useRef({ desiredText, reportedText })
  useEffect(() => {
    if (place.current === null) return
    const merge = new MergeView({
      parent: place.current,
      a: { doc: first.current.desiredText, extensions: extensionsFor('Desired properties') },
      b: { doc: first.current.reportedText, extensions: extensionsFor('Reported properties') },
      gutter: false,
    })
    view.current = merge
    return () => merge.destroy()
  }, [])
  useEffect(() => {
    first.current = { desiredText, reportedText }
    if (view.current === undefined) return
    replace(view.current.a, desiredText)
    replace(view.current.b, reportedText)
  }, [desiredText, reportedText])
  return <div ref={place} className={styles.place} />
}

function Unified({ desiredText, reportedText }: Texts) {
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(undefined)
  const original = useRef<Text>(undefined)
  const first = useRef({ desiredText, reportedText })
  useEffect(() => {
    if (place.current === null) return
    const state = EditorState.create({
      doc: first.current.reportedText,
      extensions: [
        ...extensionsFor('Reported properties, with differing desired values'),
        unifiedMergeView({ original: first.current.desiredText, mergeControls: false, gutter: false }),
      ],
    })
    const editor = new EditorView({ parent: place.current, state })
    view.current = editor
    original.current = EditorState.create({ doc: first.current.desiredText }).doc
    return () => editor.destroy()
  }, [])
  useEffect(() => {
    first.current = { desiredText, reportedText }
    const editor = view.current
    const before = original.current
    if (editor === undefined || before === undefined) return
    if (before.toString() !== desiredText) {
      const changes = ChangeSet.of({ from: 0, to: before.length, insert: desiredText }, before.length)
      editor.dispatch({ effects: originalDocChangeEffect(editor.state, changes) })
      original.current = changes.apply(before)
    }
    replace(editor, reportedText)
  }, [desiredText, reportedText])
  return <div ref={place} className={styles.place} />
}

/** Replaces the text and keeps the scroll position. */
function replace(view: EditorView, text: string): void {
  const before = view.state.doc
  if (before.toString() === text) return
  view.dispatch({ changes: { from: 0, to: before.length, insert: text }, scrollIntoView: false })
}

function extensionsFor(label: string): Extension[] {
  return [
    EditorView.cspNonce.of(nonce),
    json(),
    highlighting,
    look,
    marks,
    EditorView.lineWrapping,
    EditorState.readOnly.of(true),
    EditorView.editable.of(false),
    EditorView.contentAttributes.of({ 'aria-label': label, 'aria-readonly': 'true', tabindex: '0' }),
  ]
}

/** Differences, in the console's colours: neither side is wrong. */
const marks = EditorView.theme({
  '&.cm-merge-a .cm-changedLine, &.cm-merge-b .cm-changedLine, .cm-changedLine.cm-line, .cm-inlineChangedLine': {
    backgroundColor: 'color-mix(in srgb, var(--cancelled-soft) 50%, transparent)',
  },
  '&.cm-merge-a .cm-changedText, &.cm-merge-b .cm-changedText, .cm-changedText': {
    borderRadius: '2px',
    background: 'var(--cancelled-soft)',
    boxShadow: 'inset 0 -1px 0 color-mix(in srgb, var(--cancelled) 55%, transparent)',
  },
  '.cm-deletedChunk': {
    paddingLeft: '6px',
    backgroundColor: 'color-mix(in srgb, var(--accent-soft) 50%, transparent)',
  },
  '.cm-deletedChunk .cm-deletedText': { borderRadius: '2px', background: 'var(--accent-soft)' },
  '.cm-deletedLine, .cm-deletedLine del': { textDecoration: 'none' },
  '.cm-mergeSpacer': { backgroundColor: 'transparent' },
})

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const media = matchMedia(query)
    const look = (): void => setMatches(media.matches)
    look()
    media.addEventListener('change', look)
    return () => media.removeEventListener('change', look)
  }, [query])
  return matches
}
