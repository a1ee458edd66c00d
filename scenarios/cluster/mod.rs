mod launch;
mod prerequisites;
