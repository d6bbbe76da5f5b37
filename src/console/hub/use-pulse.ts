import { useEffect, useRef } from 'react'

/** Does something again and again while the page is in view, for what no event reports. `pace`: milliseconds between two times. */
export function usePulse(pace: number, isOn: boolean, act: () => void): void {
  const latest = useRef(act)
  useEffect(() => {
    latest.current = act
  })
  useEffect(() => {
    if (!isOn) return
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') latest.current()
    }, pace)
    return () => clearInterval(timer)
  }, [isOn, pace])
}
