mod logs;
mod ssh;
