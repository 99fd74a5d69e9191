package com.depot.accounts;

import java.util.List;
import org.apache.ibatis.annotations.Mapper;
import org.apache.ibatis.annotations.Param;
import org.apache.ibatis.annotations.Select;
import org.apache.ibatis.annotations.Update;

@Mapper
public interface AccountMapper {

    @Select("SELECT * FROM account WHERE branch = '${branch}'")
    List<Account> ofBranch(@Param("branch") String branch);

    @Select("SELECT * FROM account WHERE city = #{city}")
    List<Account> ofCity(@Param("city") String city);

    @Update("UPDATE account SET state = #{state} WHERE id = #{id}")
    int setState(@Param("id") long id, @Param("state") String state);
}
