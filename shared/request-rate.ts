/** Requests a minute of one account, beyond which the API answers 429. The firewall before it is set by the same number. */
export const requestsPerMinute = 600;

/**
 * Requests of one address in five minutes, beyond which the firewall refuses it: twice what an account may make, so that a caller who
 * heeds the API's answers never meets the firewall's.
 */
export const requestsPerAddress = 2 * 5 * requestsPerMinute;
