/** The sign of Twincast: a thing and its twin. */
export function Logo() {
  return (
    <svg
      aria-hidden="true"
      width="20"
      height="20"
      viewBox="0 0 20 20"
      fill="none"
      stroke="var(--accent)"
      strokeWidth="2"
    >
      <rect x="2" y="2" width="11" height="11" rx="2" />
      <rect x="7" y="7" width="11" height="11" rx="2" fill="var(--accent)" fillOpacity=".35" />
    </svg>
  )
}
