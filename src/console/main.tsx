import { createRoot } from 'react-dom/client'
import { RouterProvider } from 'react-router/dom'
import './tokens.css'
import './base.css'
import { readPages, router } from './router.tsx'
import { applyTheme, keptTheme } from './shell/theme.ts'

/** Milliseconds after the first page until the files of the others are loaded too. */
const calm = 1_000

applyTheme(keptTheme())
const root = document.getElementById('root')
addEventListener('load', () => setTimeout(readPages, calm))
if (root !== null) createRoot(root).render(<RouterProvider router={router} />)
