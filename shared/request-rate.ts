/** Requests per minute and account before the API returns 429. The firewall's limit is derived from it. */
export const requestsPerMinute = 600;

/**
 * Requests per IP address in five minutes before the firewall blocks it: twice an account's limit, so that
 * callers who respect 429 are not blocked.
 */
export const requestsPerAddress = 2 * 5 * requestsPerMinute;
