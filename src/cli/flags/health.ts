import { switchFlag, textFlag } from './define.js'

/** The container's health check. */
export const healthFlags = {
  'health-cmd': textFlag('Command that says whether the container is healthy, or "none"', { helpValue: 'COMMAND' }),
  'health-interval': textFlag('Time between two checks, or "disable"', { helpValue: 'DURATION' }),
  'health-timeout': textFlag('Time a check may take', { helpValue: 'DURATION' }),
  'health-retries': textFlag('So many failures in a row are unhealthy', { helpValue: 'N' }),
  'health-start-period': textFlag('Time after the start in which failures do not count', { helpValue: 'DURATION' }),
  'health-start-interval': textFlag('Time between two checks in that time', { helpValue: 'DURATION' }),
  'health-on-failure': textFlag('What to do when unhealthy', { options: ['none', 'kill', 'restart', 'stop'] }),
  'no-healthcheck': switchFlag('No check, whatever the image says'),
}
