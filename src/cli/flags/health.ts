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
  'health-log-destination': textFlag('Where the results go: local, events_logger or a folder', {
    helpValue: 'DESTINATION',
  }),
  'health-max-log-count': textFlag('So many results are kept; 0 for all', { helpValue: 'N' }),
  'health-max-log-size': textFlag('So much is kept of what a check writes; 0 for all', { helpValue: 'BYTES' }),
  'health-startup-cmd': textFlag('Command that says whether the container has started', { helpValue: 'COMMAND' }),
  'health-startup-interval': textFlag('Time between two startup checks', { helpValue: 'DURATION' }),
  'health-startup-retries': textFlag('So many failures in a row restart the container; 0 for none', { helpValue: 'N' }),
  'health-startup-success': textFlag('So many successes in a row end the startup checks', { helpValue: 'N' }),
  'health-startup-timeout': textFlag('Time a startup check may take', { helpValue: 'DURATION' }),
  'no-healthcheck': switchFlag('No check, whatever the image says'),
}
