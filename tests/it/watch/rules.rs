//! The rules as a whole: the same answers as git's, and the group's own lists above them.
