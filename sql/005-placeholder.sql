-- SPDX-License-Identifier: ISC
--
-- placeholder - keeps the number free for the purposes' migration
SELECT;
