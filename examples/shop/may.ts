const now = new Date()

/** The year of the last month of May that is over. */
export const yearOfMay = now.getUTCMonth() >= 5 ? now.getUTCFullYear() : now.getUTCFullYear() - 1
