import { createRoot } from 'react-dom/client'
import { RouterProvider } from 'react-router/dom'
import './tokens.css'
import './base.css'
import { router } from './router.tsx'
import { applyTheme, keptTheme } from './shell/theme.ts'

applyTheme(keptTheme())
const root = document.getElementById('root')
if (root !== null) createRoot(root).render(<RouterProvider router={router} />)
